namespace Comet.AspNetCore;

/// <summary>One message of a feed, as code reads it.</summary>
/// <typeparam name="T">What the reader takes the feed's messages for.</typeparam>
public readonly record struct FeedMessage<T>
{
    private readonly T? _value;

    /// <summary>A message that was read.</summary>
    /// <param name="position">Its id.</param>
    /// <param name="value">What was published.</param>
    public FeedMessage(FeedPosition position, T value) => (Position, _value) = (position, value);

    internal FeedMessage(FeedMessageUnreadableException error) => (Position, Error) = (error.Position, error);

    /// <summary>Its id: reading after it gives the next message.</summary>
    public FeedPosition Position { get; }

    /// <summary>What was published.</summary>
    /// <exception cref="FeedMessageUnreadableException">It was published as another type: <see cref="Error"/> is not null.</exception>
    public T Value => Error is null ? _value! : throw Error;

    /// <summary>Why there is no <see cref="Value"/>: it was published as another type, perhaps by an older app. Null: there is.</summary>
    public FeedMessageUnreadableException? Error { get; }

    /// <summary>The id, and what was published or why it cannot be read.</summary>
    public override string ToString() => $"{Position}: {(Error is null ? _value : Error.Message)}";

    /// <summary>The id and what was published.</summary>
    /// <exception cref="FeedMessageUnreadableException">It was published as another type.</exception>
    public void Deconstruct(out FeedPosition position, out T value) => (position, value) = (Position, Value);
}
