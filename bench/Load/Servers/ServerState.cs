namespace CometBench.Load.Servers;

/// <summary>What the server says about itself.</summary>
internal sealed record ServerState(int ProcessId, int Streams);

/// <summary>How it stopped.</summary>
/// <param name="SignalledAt">When it was told to.</param>
/// <param name="Took">From then until its process had ended.</param>
/// <param name="ExitCode">0: as it should.</param>
internal sealed record ServerStop(long SignalledAt, TimeSpan Took, int ExitCode);
