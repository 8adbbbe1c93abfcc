/** The ids of a stage have the form of those that a store makes. Visible and hidden ones begin alike, so that short ids are tried too. */
export function seenId(step: number, n: number): string {
  return `5ee0${hex(step)}-${hex(n)}-7000-8000-000000000000`;
}

export function hiddenId(n: number): string {
  return `5ee0${hex(n)}-ffff-7000-8000-000000000000`;
}

/** The id of a memory that a retention has reached. Deeds do not try it: whoever may forget it still forgets it, and watchers are told. */
export function oldId(n: number): string {
  return `0ddba115-${hex(n)}-7000-8000-000000000000`;
}

function hex(n: number): string {
  return n.toString(16).padStart(4, '0');
}
