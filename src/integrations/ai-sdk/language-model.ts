/**
 * The parts of a language model that are the same in versions 6 and 7 of the AI SDK (model specifications v3 and v4). The SDK's own types
 * are assignable to these types. Therefore one middleware works with both versions, and this package imports neither.
 */

/** One part of a message or of a model's answer: text, a file, a tool call and others. */
export interface ContentPart {
  readonly type: string;
}

/** One message of a prompt. */
export interface PromptMessage {
  readonly role: string;
  readonly content: string | readonly ContentPart[];
}

/** The parameters of one model call. */
export interface ModelCall {
  readonly prompt: readonly PromptMessage[];
  readonly abortSignal?: AbortSignal | undefined;
}

/** The result of one model call. */
export interface ModelResult {
  readonly content: readonly ContentPart[];
  readonly finishReason: { readonly unified: string };
}

/** One part of a streamed answer. */
export interface StreamPart {
  readonly type: string;
}

/** The result of one model call that streams its answer. */
export interface ModelStream {
  readonly stream: ReadableStream<StreamPart>;
}
