"""The sandbox: a billing system and a courier service to try the shop with. It stands for systems outside."""
