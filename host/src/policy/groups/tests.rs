use super::*;

const CHECK: &str = "License Check";

fn group(change: impl FnOnce(&mut GroupConfig)) -> Group {
    let mut config = GroupConfig { checks: vec![CHECK.to_owned()], ..GroupConfig::default() };
    change(&mut config);
    Group::parse(&config, &[CheckName::parse(CHECK).unwrap()]).expect("a good group")
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}

fn placed(groups: &[Group], repository: (&str, &str), changed: Option<&[&str]>) -> Place {
    let name = RepositoryName::new(repository.0, repository.1).unwrap();
    let changed = changed.map(texts);
    let target = Target {
        repository: &name,
        topics: &texts(&["pci", "frontend"]),
        language: Some("Java"),
        changed: changed.as_deref(),
    };
    place(groups, CHECK, (Mode::Enforce, FailClosed::No), &target)
}

fn applies(groups: &[Group], repository: (&str, &str)) -> bool {
    matches!(placed(groups, repository, None), Place::Applies { .. })
}

#[test]
fn a_check_that_no_group_lists_applies_everywhere() {
    let mut other = group(|group| group.repositories = texts(&["acme/none"]));
    other.checks = texts(&["Another Check"]);
    assert!(applies(&[], ("acme", "shop")));
    assert!(applies(&[other], ("acme", "shop")));
}

#[test]
fn a_repository_is_named_whole_or_by_its_own_name_without_case() {
    let by = |pattern: &str| [group(|group| group.repositories = texts(&[pattern]))];
    assert!(applies(&by("acme/*"), ("acme", "shop")));
    assert!(applies(&by("ACME/Sh*"), ("acme", "shop")));
    assert!(applies(&by("sh*"), ("acme", "shop")));
    assert!(!applies(&by("acme/*"), ("other", "shop")));
    assert!(!applies(&by("acme"), ("acme", "shop")));
}

#[test]
fn every_list_that_has_entries_must_match_and_one_entry_of_it_is_enough() {
    let pci_java = |language: &str| {
        [group(|group| {
            group.owners = texts(&["acme", "umbrella"]);
            group.topics = texts(&["PCI", "internal"]);
            group.languages = texts(&[language]);
        })]
    };
    assert!(applies(&pci_java("java"), ("acme", "shop")));
    assert!(!applies(&pci_java("java"), ("hooli", "shop")));
    assert!(!applies(&pci_java("rust"), ("acme", "shop")));
}

#[test]
fn a_check_about_other_files_is_told_from_one_about_other_repositories() {
    let groups = [group(|group| {
        group.repositories = texts(&["acme/*"]);
        group.paths = texts(&["src/*.rs", "deploy/**"]);
    })];
    let place = |repository, changed: &[&str]| placed(&groups, repository, Some(changed));
    assert!(matches!(place(("acme", "shop"), &["README.md", "src/main.rs"]), Place::Applies { .. }));
    assert!(matches!(place(("acme", "shop"), &["deploy/eu/values.yaml"]), Place::Applies { .. }));
    let patterns = texts(&["deploy/**", "src/*.rs"]);
    assert_eq!(place(("acme", "shop"), &["src/deep/main.rs"]), Place::OtherPaths(patterns));
    assert_eq!(place(("other", "shop"), &["src/main.rs"]), Place::OtherRepository);
    assert!(matches!(placed(&groups, ("acme", "shop"), None), Place::Applies { .. }), "unknown files apply");
}

#[test]
fn of_several_groups_that_match_the_stricter_wins() {
    let warns = group(|group| group.mode = Some(Mode::Warn));
    let tries = group(|group| {
        group.mode = Some(Mode::DryRun);
        group.fail_closed = Some(FailClosed::Yes);
    });
    let silent = group(|_| ());
    let mode = |groups: &[Group]| match placed(groups, ("acme", "shop"), None) {
        Place::Applies { mode, fail_closed } => (mode, fail_closed),
        other => panic!("{other:?}"),
    };
    assert_eq!(mode(std::slice::from_ref(&warns)), (Mode::Warn, FailClosed::No));
    assert_eq!(mode(&[warns.clone(), tries.clone()]), (Mode::Warn, FailClosed::Yes));
    assert_eq!(
        mode(&[tries, silent]),
        (Mode::Enforce, FailClosed::Yes),
        "a group that is silent keeps the check's own"
    );
}

#[test]
fn what_is_wrong_with_a_group_is_named_all_at_once() {
    let config = GroupConfig {
        repositories: texts(&["acme/[shop"]),
        checks: texts(&["Licence Check"]),
        ..GroupConfig::default()
    };
    let problems = Group::parse(&config, &[CheckName::parse(CHECK).unwrap()]).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(problems[0], "checks: there is no check \"Licence Check\"; did you mean \"License Check\"?");
    assert!(problems[1].starts_with("repositories: "), "{}", problems[1]);
}
