import { describeChat } from "./chat.ts";

describeChat("ai-chat", { store: "PGlite" });
describeChat("ai-chat", { store: "Redis" });
