using CometBench.Load.Client;

namespace CometBench.Load.Reports;

/// <summary>What the suite slow measured on one server.</summary>
/// <param name="Fast">Of the streams that keep up.</param>
/// <param name="Memory">From the first message to the last.</param>
/// <param name="Stalled">
/// Of each stream that was not read: when it was seen to be cut, after its last read, and what it found at last.
/// </param>
internal sealed record SlowRun(
    Figures Fast, IReadOnlyList<MemorySample> Memory, IReadOnlyList<(TimeSpan? CutAfter, StreamEnd End)> Stalled);

/// <param name="At">Since the first message.</param>
/// <param name="Bytes">Of the server's process.</param>
/// <param name="Streams">That the server has open.</param>
internal sealed record MemorySample(TimeSpan At, long Bytes, int Streams);
