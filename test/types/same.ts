/** `true` when two types are the same, to the letter: `any` is the same as nothing but itself. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
