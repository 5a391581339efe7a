resource "aws_kms_key" "this" {
  description             = var.description
  enable_key_rotation     = var.rotate
  deletion_window_in_days = var.deletion_window_days
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.alias}"
  target_key_id = aws_kms_key.this.key_id
}
