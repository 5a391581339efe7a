"""What an account says about the pipeline, before and after it is deployed there; nothing is changed by asking."""
