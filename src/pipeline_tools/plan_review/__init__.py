"""Review of a Terraform plan: what matters to a reader of a pull request first, as Markdown."""
