namespace Comet.AspNetCore.Results;

/// <summary>
/// What a sequence, which cannot be resumed, asks its client to remember, as an id: so that the server knows it when the client comes back
/// and would get the same again.
/// </summary>
internal static class SequencePosition
{
    private const string Failed = "failed";

    /// <summary>The sequence is over. A client that comes back, as native <c>EventSource</c> does whatever it is told, gets 204.</summary>
    internal static readonly FeedPosition Ended = new("ended", 0);

    /// <summary>The value after so many messages could not be written.</summary>
    internal static FeedPosition FailedAfter(long messages) => new(Failed, messages);

    /// <summary>Whether it says that a value could not be written.</summary>
    internal static bool IsFailed(FeedPosition position) => position.Epoch == Failed;
}
