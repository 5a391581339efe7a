# The examples of the module's page.
mock_provider "aws" {}

run "basic" {
  command = plan

  module {
    source = "./examples/basic"
  }

  assert {
    condition = (
      module.lineage.rule_names ==
      { executions = "acme-dev-lineage-executions", stages = "acme-dev-lineage-stages" }
    )
    error_message = "Executions and stages have a rule each."
  }
}
