/** A value of JSON as the AI SDK writes it. */
export type AISDKJson = null | boolean | number | string | AISDKJson[] | { [key: string]: AISDKJson };

/** Options of the provider behind a model, by the provider's name: `{ cohere: { inputType: 'search_document' } }`. */
export type AISDKProviderOptions = Record<string, Record<string, AISDKJson>>;

/** What is used of an embedding model of the AI SDK: of each of its specifications v1, v2 and v3. */
export interface AISDKEmbeddingModel {
  readonly modelId: string;
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined;
  readonly supportsParallelCalls: PromiseLike<boolean> | boolean;
  doEmbed(options: {
    values: string[];
    abortSignal?: AbortSignal;
    providerOptions?: AISDKProviderOptions;
  }): PromiseLike<{ embeddings: number[][] }>;
}
