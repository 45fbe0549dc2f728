export declare function buildPage(): Promise<number>;
