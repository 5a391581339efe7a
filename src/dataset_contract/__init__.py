"""What a dataset is: the one reader of its contract, for the Lambda, both jobs and every tool."""
