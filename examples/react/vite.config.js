import { defineConfig } from "vite";

// hearth-realtime is a link here, and has a React of its own for its tests.
export default defineConfig({ base: "./", resolve: { dedupe: ["react", "react-dom"] } });
