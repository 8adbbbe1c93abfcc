/**
 * How far the content of a memory may be relied on, lowest first. 'untrusted': ordinary reads leave it out. 'reported': somebody else
 * said so, such as a web page, a tool or a document. 'standard': an agent, a user or a service says so. 'verified': the host, or a
 * principal that the host has declared to be verified, says so.
 */
export type Trust = 'untrusted' | 'reported' | 'standard' | 'verified';
export const trustLevels = ['untrusted', 'reported', 'standard', 'verified'] as const satisfies readonly Trust[];

/** The least trust that a read can ask for. */
export type MinTrust = Exclude<Trust, 'untrusted'>;
export const minTrusts = ['reported', 'standard', 'verified'] as const satisfies readonly MinTrust[];

/** A level as a number, in which form it is stored and compared: 0 for 'untrusted' up to 3 for 'verified'. */
export type TrustLevel = 0 | 1 | 2 | 3;

export function trustLevelOf(trust: Trust): TrustLevel {
  return trustLevels.indexOf(trust) as TrustLevel;
}

export function trustOfLevel(level: TrustLevel): Trust {
  return trustLevels[level];
}

/** Whether what has this trust was only said by somebody else. */
export function isReported(trust: Trust): boolean {
  return trust === 'reported' || trust === 'untrusted';
}
