# What the AWS provider makes of the rules in main.tf.

resource "aws_cloudwatch_event_rule" "audit" {
  for_each      = local.rules
  name          = "${var.bucket}-${each.key}"
  event_pattern = jsonencode(each.value)
}

resource "aws_cloudwatch_event_target" "audit" {
  for_each = local.rules
  rule     = aws_cloudwatch_event_rule.audit[each.key].name
  arn      = var.topic_arn
}

resource "aws_cloudwatch_metric_alarm" "silence" {
  alarm_name          = "${var.bucket}-silence"
  alarm_description   = local.silence.AlarmDescription
  namespace           = local.silence.Namespace
  metric_name         = local.silence.MetricName
  dimensions          = { Trail = var.bucket }
  statistic           = local.silence.Statistic
  period              = local.silence.Period
  evaluation_periods  = local.silence.EvaluationPeriods
  datapoints_to_alarm = local.silence.DatapointsToAlarm
  threshold           = local.silence.Threshold
  comparison_operator = local.silence.ComparisonOperator
  treat_missing_data  = local.silence.TreatMissingData
  alarm_actions       = [var.topic_arn]
}
