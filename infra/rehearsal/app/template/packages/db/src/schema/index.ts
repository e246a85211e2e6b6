export * from "./models";
export * from "./notes";
