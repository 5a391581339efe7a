# The examples of the module's page.
mock_provider "aws" {}

run "basic" {
  command = plan

  module {
    source = "./examples/basic"
  }

  assert {
    condition     = module.redshift.database == "analytics" && module.redshift.cluster_identifier == null
    error_message = "There is a cluster beside the workgroup."
  }
}

run "existing" {
  command = plan

  module {
    source = "./examples/existing"
  }

  assert {
    condition     = module.redshift.arn == "arn:aws:redshift:eu-central-1:123456789012:cluster:acme-warehouse"
    error_message = "The statements run on another cluster."
  }
}
