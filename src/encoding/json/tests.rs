use super::*;

#[track_caller]
fn refused(text: &str, kind: JsonErrorKind, offset: usize) {
    let error = check(text.as_bytes()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (kind, offset), "{text}");
}

#[test]
fn a_second_member_of_one_name_is_refused_however_it_is_spelled() {
    use JsonErrorKind::DuplicateMember;
    refused(r#"{"alg":1,"alg":1}"#, DuplicateMember, 9);
    refused(r#"{"alg":1,"\u0061lg":1}"#, DuplicateMember, 9);
    refused(r#"{"\u0061lg":1,"al\u0067":1}"#, DuplicateMember, 14);
    refused(r#"{"a/b":1,"a\/b":1}"#, DuplicateMember, 9);
    refused(r#"{"":1,"":1}"#, DuplicateMember, 6);
    refused(r#"{"😀":1,"\ud83d\uDE00":1}"#, DuplicateMember, 10);
    refused(r#"[0,{"x":{"b":1,"c":{},"b":1}}]"#, DuplicateMember, 22);
    assert!(check(br#"{"a":1,"a\u0000":1,"\u0000a":1,"A":1}"#).is_ok());
    assert!(check(br#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#).is_ok());
}
