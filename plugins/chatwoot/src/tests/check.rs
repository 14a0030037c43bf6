//! What `check` says of the token, its owner and the account.

use super::*;

/// `check` with the profile's second account, number 1, changed.
fn check_account(from: &str, to: &str) -> Result<Account, Failure> {
    let (before, account) = PROFILE.split_at(PROFILE.find(r#"{"id":1,"name":"Acme""#).unwrap());
    assert!(account.contains(from), "the fixture has no {from}");
    check(Reply::json(200, format!("{before}{}", account.replace(from, to))))
}

#[test]
fn check_says_who_we_are_and_tells_no_secret() {
    let vendor = chatwoot().get(AT_PROFILE, Reply::json(200, PROFILE));
    let account = vendor.check().unwrap();
    let line = "Chatwoot knows the token as Ada Admin <ada@acme.test>, with the role administrator in \
                account 1 (Acme), which is active";
    assert_eq!(vendor.logs(), [(Level::Info, line.to_owned())]);
    assert!(!format!("{account:?}").contains("fixture"));
}

#[test]
fn an_agents_token_works_with_a_warning() {
    let account = check_account(r#""role":"administrator""#, r#""role":"agent""#).unwrap();
    assert_eq!(
        account.warnings,
        ["the owner of chatwoot-api-token has the role agent in account 1 (Acme): an administrator's \
          token is recommended, so that every agent and team is seen"]
    );
    let account = check_account(r#""role":"administrator""#, r#""role":null"#).unwrap();
    assert!(account.warnings[0].contains("has no role in account 1"), "{:?}", account.warnings);
}

#[test]
fn an_account_that_is_not_active_is_refused_in_its_own_words() {
    let refused = check_account(r#""status":"active""#, r#""status":"suspended""#);
    let text = "account 1 (Acme) is suspended: have it reactivated in Chatwoot, or correct \
                chatwoot-account-id";
    assert_eq!(refused, Err(Failure::Forbidden(text.into())));
    let refused = check_account(r#""status":"active""#, r#""status":"archived""#);
    let text = "account 1 (Acme) has the status archived, not active: see to it in Chatwoot, or \
                correct chatwoot-account-id";
    assert_eq!(refused, Err(Failure::Forbidden(text.into())));
}

#[test]
fn an_account_we_are_not_in_is_refused_with_those_we_are_in() {
    for (accounts, expected) in [
        ("[]", "to no account at all"),
        (r#"[{"id":4}]"#, "to account 4 only"),
        (r#"[{"id":40},{"id":5}]"#, "to the accounts 5, 40"),
        (
            r#"[{"id":2},{"id":3},{"id":4},{"id":5},{"id":6},{"id":7},{"id":8}]"#,
            "to the accounts 2, 3, 4, 5, 6 and 2 more",
        ),
    ] {
        let refused = check(Reply::json(200, format!(r#"{{"id":1,"accounts":{accounts}}}"#)));
        let text = format!(
            "the owner of chatwoot-api-token is no member of account 1 but belongs {expected}: correct \
             chatwoot-account-id"
        );
        assert_eq!(refused, Err(Failure::InvalidSettings(text)));
    }
}

#[test]
fn an_account_id_is_a_number_and_not_a_text() {
    let vendor = chatwoot().setting("chatwoot-account-id", "001").get(AT_PROFILE, Reply::json(200, PROFILE));
    assert_eq!(vendor.check().unwrap().id, "1");
    let vendor =
        chatwoot().setting("chatwoot-account-id", "99999999999999999999999").get(AT_PROFILE, Reply::json(200, PROFILE));
    assert!(matches!(vendor.check(), Err(Failure::InvalidSettings(_))));
}
