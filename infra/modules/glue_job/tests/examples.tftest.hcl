# The examples of the module's page.
mock_provider "aws" {}

run "basic" {
  command = plan

  module {
    source = "./examples/basic"
  }

  assert {
    condition = (
      module.glue_job.name == "acme-dev-job-spark" &&
      strcontains(module.glue_job.policy, "arn:aws:s3:::acme-dev-lake/curated/*")
    )
    error_message = "The job may not write its tables."
  }
}
