# The state is in S3, locked by a lock file beside it: no DynamoDB table. The bucket belongs to the account and the key
# to the environment, so both are given to `terraform init`:
#
#   terraform -chdir=infra init -lockfile=readonly -reconfigure \
#     -backend-config=environments/dev.s3.tfbackend -backend-config=bucket=<bucket for Terraform states>
#
# Without them `terraform init` asks for the bucket. `./noxw -s plan -- dev` does the same, with the bucket from
# TF_STATE_BUCKET, in a data directory of each environment's own (TF_DATA_DIR=build/terraform/dev/data), so that one
# environment's variables never meet another's state.
#
# The bucket is older than this configuration and outlives it, so it is made once for an account by other means:
# private, versioned (a damaged state can be taken back), encrypted. Who deploys needs s3:ListBucket on it, s3:GetObject
# and s3:PutObject on <key>, and these and s3:DeleteObject on <key>.tflock.
#
# An environment without a file of this kind (local) has its state on this machine: pipeline_tools.terraform runs it in
# a folder of links to everything here but this file. By hand, a file backend_override.tf, which git ignores, does it:
#   terraform { backend "local" {} }
terraform {
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
