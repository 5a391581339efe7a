# The examples of the module's page.
mock_provider "aws" {}

run "basic" {
  command = plan

  module {
    source = "./examples/basic"
  }

  assert {
    condition = (
      module.storage.bucket_names ==
      { artifacts = "acme-dev-artifacts", lake = "acme-dev-lake", raw = "acme-dev-raw" }
    )
    error_message = "The buckets have other names."
  }
}
