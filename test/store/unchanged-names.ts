type Names = typeof import('../../src/domain/names');

/** Names as releases up to schema version 8 stored them: as they were given. Loads nothing of the library, which is not mocked yet. */
export function unchangedNames(names: Names, release: { readonly isOld: boolean }): Names {
  return {
    ...names,
    normalName: (name) => (release.isOld ? name : names.normalName(name)),
    hiddenIssue: (name) => (release.isOld ? undefined : names.hiddenIssue(name)),
  };
}
