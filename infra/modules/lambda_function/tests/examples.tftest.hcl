# The examples of the module's page.
mock_provider "aws" {}

run "basic" {
  command = plan

  module {
    source = "./examples/basic"
  }

  assert {
    condition     = module.lambda_function.name == "acme-dev-generate-param"
    error_message = "The function has another name."
  }
}
