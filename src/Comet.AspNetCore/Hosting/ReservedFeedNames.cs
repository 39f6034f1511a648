using System.Collections.Frozen;

namespace Comet.AspNetCore.Hosting;

/// <summary>
/// Names that no feed has: a client's events are named after the feeds of its stream, and these names are those of its own events, now or
/// some day, and of what is on the wire.
/// </summary>
internal static class ReservedFeedNames
{
    private static readonly FrozenSet<string> Names = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, // as those of two feeds that differ only in case, they would be mixed up
        "open",
        "error",
        "message",
        "close",
        "closed",
        "comet",
        "end",
        "gap",
        "heartbeat",
        "reconnecting",
        "skipped",
        "statechange",
        "status");

    /// <exception cref="ArgumentException">The name is reserved.</exception>
    internal static void Check(string name, string parameter)
    {
        if (Names.Contains(name))
        {
            throw new ArgumentException(
                $"A feed cannot be named {name}: the events of a client have the names of the feeds, and this one is an event of its own. "
                + $"Reserved are {string.Join(", ", Names.Order(StringComparer.Ordinal))}, in any case.",
                parameter);
        }
    }
}
