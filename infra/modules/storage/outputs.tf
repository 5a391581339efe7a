output "bucket_names" {
  description = "Names of the buckets by role: raw, lake, artifacts."
  value       = { for role, bucket in aws_s3_bucket.this : role => bucket.bucket }
}
