export declare const isCollectors: (args: readonly string[]) => boolean;
