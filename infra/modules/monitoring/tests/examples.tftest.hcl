# The examples of the module's page.
mock_provider "aws" {}

run "basic" {
  command = plan

  module {
    source = "./examples/basic"
  }

  assert {
    condition     = module.monitoring.dashboard_name == "acme-dev-pipeline"
    error_message = "The dashboard has another name."
  }
}
