module "glue_job" {
  source = "../.."

  name            = "acme-dev-job-spark"
  description     = "Turns staged rows into curated tables."
  kind            = "spark"
  script_uri      = "s3://acme-dev-artifacts/glue_spark_job/main.py"
  extra_py_files  = ["s3://acme-dev-artifacts/glue_spark_job.zip"]
  timeout_minutes = 120
  spark           = { worker_type = "G.2X", number_of_workers = 4 }

  s3_access = [
    { bucket_arn = "arn:aws:s3:::acme-dev-artifacts", prefix = "" },
    { bucket_arn = "arn:aws:s3:::acme-dev-lake", prefix = "staged/" },
    { bucket_arn = "arn:aws:s3:::acme-dev-lake", prefix = "curated/", write = true },
  ]
  kms_key_arn          = null
  log_group_arn_prefix = "arn:aws:logs:eu-central-1:123456789012:log-group:"
}
