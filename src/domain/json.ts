/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A memory's free data: a JSON object. */
export type Metadata = { readonly [key: string]: Json };
