export declare const AGENT_NODE_FLAGS: readonly string[];
export declare const AGENT_SETTINGS: Readonly<Record<string, string>>;
export declare const agentEnvironment: (env: NodeJS.ProcessEnv) => NodeJS.ProcessEnv;
