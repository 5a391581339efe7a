# The examples of the module's page.
mock_provider "aws" {}

run "basic" {
  command = plan

  module {
    source = "./examples/basic"
  }

  assert {
    condition     = join(",", keys(module.schedule.schedule_arns)) == "nightly"
    error_message = "There is no such schedule."
  }
}
