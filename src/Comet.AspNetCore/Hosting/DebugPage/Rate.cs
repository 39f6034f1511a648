namespace Comet.AspNetCore.Hosting;

/// <summary>What figures that only grow are per second, from two snapshots.</summary>
/// <param name="milliseconds">The time between them; null: there is only one.</param>
internal readonly struct Rate(long? milliseconds)
{
    /// <param name="growth">By how much a figure has grown; null: it was not there before.</param>
    internal double? Of(long? growth) =>
        milliseconds > 0 && growth is not null ? Math.Round(Math.Max(0, growth.Value) * 1000.0 / milliseconds.Value, 1) : null;
}
