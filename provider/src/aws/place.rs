//! Where a resource is: region, account, partition.

/// Where a resource is, as far as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) region: Option<&'a str>,
    pub(crate) account: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// What an ARN says of it: `arn:<partition>:<service>:<region>:<account>:<resource>`.
    pub(crate) fn of_arn(arn: &'a str) -> Self {
        let part = |number| arn.split(':').nth(number).filter(|part| !part.is_empty());
        if !arn.starts_with("arn:") {
            return Self::default();
        }
        Self {
            region: part(3),
            account: part(4),
        }
    }
}

/// The partition that a region belongs to, as ARNs name it.
pub fn partition(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 8] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
        ("", "aws"),
    ];
    PREFIXES
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_follows_the_region() {
        assert_eq!(partition("eu-central-1"), "aws");
        assert_eq!(partition("cn-north-1"), "aws-cn");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition("us-iso-east-1"), "aws-iso");
    }

    #[test]
    fn place_is_what_an_arn_says() {
        let key = Place::of_arn("arn:aws:kms:eu-central-1:123456789012:key/1");
        assert_eq!(
            (key.region, key.account),
            (Some("eu-central-1"), Some("123456789012"))
        );
        for placeless in ["arn:aws:s3:::trail", "alias/x:y:z:a:b", "1234", ""] {
            assert_eq!(Place::of_arn(placeless), Place::default(), "{placeless}");
        }
    }
}
