export declare const COLLECTOR: readonly string[];
export declare const isCollectors: (args: readonly string[]) => boolean;
