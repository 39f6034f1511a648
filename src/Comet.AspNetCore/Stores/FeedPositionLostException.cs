namespace Comet.AspNetCore;

/// <summary>A reader asked for messages after a position that the log no longer holds, or of another log: some were missed.</summary>
public sealed class FeedPositionLostException(FeedPosition position)
    : Exception($"The feed no longer holds every message after {position}. Read from FeedPosition.Earliest, or from now on.")
{
    /// <summary>The position that was asked for.</summary>
    public FeedPosition Position { get; } = position;
}
