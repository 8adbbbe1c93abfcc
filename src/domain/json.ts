/** A value that JSON can represent. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Additional data that an application stores with a memory: a JSON object. */
export type Metadata = { readonly [key: string]: Json };
