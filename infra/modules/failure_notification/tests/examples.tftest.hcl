# The examples of the module's page.
mock_provider "aws" {}

run "basic" {
  command = plan

  module {
    source = "./examples/basic"
  }
}
