export declare const AGENT_NODE_FLAGS: readonly string[];
