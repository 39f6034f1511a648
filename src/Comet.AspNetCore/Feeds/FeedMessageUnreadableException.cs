namespace Comet.AspNetCore;

/// <summary>A message cannot be read as the type that its reader takes it for. Those after it can: reading goes on.</summary>
public sealed class FeedMessageUnreadableException : Exception
{
    internal FeedMessageUnreadableException(FeedPosition position, Type type, Exception innerException)
        : base($"The message {position} cannot be read as {type.Name}: it was published as another type.", innerException) =>
        Position = position;

    /// <summary>The message's id.</summary>
    public FeedPosition Position { get; }
}
