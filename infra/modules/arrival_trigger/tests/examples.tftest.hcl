# The examples of the module's page.
mock_provider "aws" {}

run "basic" {
  command = plan

  module {
    source = "./examples/basic"
  }

  assert {
    condition     = module.arrival_trigger.rule_names == { flights = "acme-dev-arrival-flights" }
    error_message = "A trigger has a rule of its name."
  }
}
