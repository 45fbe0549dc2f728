/** What Node is told when it runs the agent, by the launcher, by the demo and by the benchmark. */
export const AGENT_NODE_FLAGS = [
  // A small young generation: the agent makes little garbage, and it shares a small machine (a quarter less memory).
  "--max-semi-space-size=1",
];
