import { describeChat } from "./chat.ts";

describeChat("next-app", { store: "Redis" });
