using System.Runtime.CompilerServices;
using System.Text.Json;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore;

/// <summary>A log of messages that any number of connections follow, each at its own place. Safe for concurrent use.</summary>
/// <typeparam name="T">
/// What is published; becomes JSON. A value of a derived type is written with all that it has, as by <see cref="CometResults.Json"/>.
/// </typeparam>
public sealed class Feed<T> : FeedChoice
{
    private const int ReadAhead = 256;

    private readonly FeedName _name;
    private readonly JsonSerializerOptions _json;

    internal Feed(FeedName name, IFeedHandle handle, JsonSerializerOptions json) => (_name, Handle, _json) = (name, handle, json);

    /// <summary>The name it was registered with; for a feed of a family, <c>family/key</c>.</summary>
    public string Name => _name.ToString();

    /// <summary>
    /// The position of the newest message as this server knows it, or a later one that no message has: for a page that is rendered now and
    /// streams what comes after it. Take it before the data that the page shows, so that nothing is lost in between.
    /// </summary>
    /// <value>
    /// <see cref="FeedPosition.Earliest"/> while the log is not open on this server, so that nothing is lost then either: what is retained
    /// comes again. Asking opens it; feeds without a key are opened when the app starts. Those of a family, whose logs are opened and
    /// closed as they are used, are better asked with <see cref="GetNewestAsync"/>, which waits until the log is open. A log in memory
    /// always is.
    /// </value>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    public FeedPosition Head
    {
        get
        {
            var feed = Handle.Acquire();
            try
            {
                return feed.Head;
            }
            finally
            {
                feed.Release();
            }
        }
    }

    internal IFeedHandle Handle { get; }

    internal override string Family => _name.Family;

    internal override string? Policy => Handle.Options.AuthorizationPolicy;

    internal override IFeedHandle Default => Handle;

    internal override bool Has(FeedName name) => name == _name;

    internal override ValueTask<IFeedHandle?> FindAsync(FeedName name, CancellationToken cancellationToken) => new(Handle);

    /// <summary>
    /// Reads the newest retained messages, and the head at the same moment: rendering these and streaming what follows the head neither
    /// loses nor doubles a message.
    /// </summary>
    /// <remarks>
    /// They are all in memory at once: no more than the feed retains (<see cref="FeedOptions.Retain"/>,
    /// <see cref="FeedOptions.RetainBytes"/>), or in RabbitMQ the partition of a family.
    /// </remarks>
    /// <param name="count">How many at most; 0: the head alone. A count from the request of a visitor needs a limit of the app's.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    public async ValueTask<FeedSnapshot<T>> GetNewestAsync(int count, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var feed = Handle.Acquire();
        try
        {
            var reading = SnapshotReader.ReadNewestAsync(feed, count, cancellationToken);
            var (messages, head) = await feed.UntilEndAsync(reading, cancellationToken);
            return new([.. messages.Select(entry => Decode(head with { Offset = entry.Offset }, entry))], head);
        }
        finally
        {
            feed.Release();
        }
    }

    /// <summary>
    /// Appends a message. When this returns, the message is stored as safely as the app's store can, and on its way to every connection.
    /// </summary>
    /// <param name="value">Encoded once, whatever the number of connections and formats.</param>
    /// <param name="cancellationToken">Stops waiting; the message may have been published all the same.</param>
    /// <returns>The message's id.</returns>
    /// <exception cref="ArgumentException">
    /// The JSON is longer than <see cref="FeedOptions.RetainBytes"/>, or than the store takes.
    /// </exception>
    /// <exception cref="FeedCompletedException">The feed is completed.</exception>
    /// <exception cref="FeedUnavailableException">The store is unavailable; it is not certain that the message was stored.</exception>
    /// <exception cref="ObjectDisposedException">
    /// The app has ended. The message was not stored, unless the publishing was under way then: in that case it is not certain.
    /// </exception>
    public ValueTask<FeedPosition> PublishAsync(T value, CancellationToken cancellationToken = default) =>
        AppendAsync(Encode(value), cancellationToken);

    /// <summary>
    /// Publishes a sequence, one value after the other, and outlives outages of the store: for a background service, whose exception would
    /// stop the app.
    /// </summary>
    /// <remarks>
    /// While the store is unavailable the same value is tried again, after half a second at first and five at most, and the sequence is not
    /// asked for the next: the order stays, and nothing is lost. It is published <b>at least once</b>: a value that was stored although the
    /// store could not confirm it comes twice, under two ids. A value that cannot be published, as it has no JSON or is longer than
    /// <see cref="FeedOptions.RetainBytes"/>, is left out. Log messages tell of both, once until publishing goes on. When the feed is
    /// completed, by anybody, the publishing ends: the value that came next reaches nobody, and the sequence is asked for no other.
    /// </remarks>
    /// <param name="values">Enumerated once.</param>
    /// <param name="cancellationToken">Ends the publishing, and the sequence.</param>
    /// <returns>Completes with the sequence, and fails with what that throws.</returns>
    /// <exception cref="FeedCompletedException">
    /// The feed was completed before the sequence; a background service has to catch it.
    /// </exception>
    /// <exception cref="OperationCanceledException">The publishing was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    public async Task PublishAllAsync(IAsyncEnumerable<T> values, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        await new FeedPublisher<T>(this, Handle.Services.Clock.Time, Handle.Logger).PublishAsync(values, cancellationToken);
    }

    /// <summary>
    /// Completes the feed, for good: a job is done, an answer is written. Its readers get the rest and then the end, those who come later
    /// too, and publishing throws <see cref="FeedCompletedException"/>, on every server. Completing it again changes nothing, and returns
    /// as the first call does: the feed is completed, where the first completion is.
    /// </summary>
    /// <remarks>
    /// It is known to be completed for as long as the last message would be retained, which is <see cref="FeedOptions.RetainFor"/>: the
    /// completion is stored like a message, but takes the place of none. After that a feed without messages goes on, as if it had only been
    /// quiet, and the key of a family begins anew.
    /// </remarks>
    /// <param name="cancellationToken">Stops waiting; the feed may be completed all the same.</param>
    /// <exception cref="FeedUnavailableException">The store is unavailable; it is not certain that the feed is completed.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        var feed = Handle.Acquire();
        try
        {
            await feed.UntilEndAsync(feed.CompleteAsync(cancellationToken), cancellationToken);
        }
        finally
        {
            feed.Release();
        }
    }

    internal ValueTask<FeedPosition> AppendAsync(byte[] payload, CancellationToken cancellationToken)
    {
        var limit = Handle.Options.RetainBytes;
        if (payload.Length > limit)
        {
            throw new ArgumentException(
                $"The message is {payload.Length} bytes of JSON; the feed {Name} takes at most RetainBytes = {limit}.", "value");
        }
        var feed = Handle.Acquire();
        try
        {
            var append = feed.AppendAsync(payload, cancellationToken);
            if (!append.IsCompleted)
            {
                return AwaitAsync(feed, append);
            }
            feed.Release();
            return append;
        }
        catch
        {
            feed.Release();
            throw;
        }

        static async ValueTask<FeedPosition> AwaitAsync(FeedCore feed, ValueTask<FeedPosition> append)
        {
            try
            {
                return await append;
            }
            finally
            {
                feed.Release();
            }
        }
    }

    /// <summary>
    /// Reads the feed in code: what is retained after a position, then every message as it is published. Ends when the feed is completed.
    /// </summary>
    /// <remarks>A message that cannot be read as <typeparamref name="T"/> has an <see cref="FeedMessage{T}.Error"/>.</remarks>
    /// <param name="after">A position, <see cref="FeedPosition.Earliest"/>, or null: only what is published from now on.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="FeedPositionLostException">
    /// The log no longer holds everything after the position, from the beginning or because the reader was too slow.
    /// </exception>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    public async IAsyncEnumerable<FeedMessage<T>> ReadAsync(
        FeedPosition? after = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var feed = Handle.Acquire();
        try
        {
            var reader = await feed.UntilEndAsync(FeedReader.StartAsync(feed, after, cancellationToken), cancellationToken);
            var position = reader.Position;
            while (true)
            {
                while (reader.HasStored)
                {
                    await feed.UntilEndAsync(reader.ReadAsync(cancellationToken), cancellationToken);
                    foreach (var entry in reader.TakePage())
                    {
                        position = position with { Offset = entry.Offset };
                        reader.Advance(entry.Offset);
                        yield return Decode(position, entry);
                    }
                }
                if (reader.Recovered == false)
                {
                    var wasLostAtStart = position == reader.Position;
                    throw new FeedPositionLostException(after is { IsEarliest: false } asked && wasLostAtStart ? asked : position);
                }
                var cursor = reader.Cursor;
                while (feed.Tail.Copy(cursor, ReadAhead) is { } entries)
                {
                    foreach (var entry in entries)
                    {
                        if (entry.IsCompletion)
                        {
                            yield break;
                        }
                        position = position with { Offset = entry.Offset };
                        yield return Decode(position, entry);
                    }
                    cursor = cursor with { Index = cursor.Index + entries.Count };
                    await feed.Tail.WaitAsync(cursor, cancellationToken);
                    feed.ThrowIfEnded();
                }
                reader.GoBack(position);
            }
        }
        finally
        {
            feed.Release();
        }
    }

    internal byte[] Encode(T value)
    {
        var buffer = ThreadBuffer.Rent();
        SafeJson.Write(value, _json, buffer);
        var payload = buffer.WrittenSpan.ToArray();
        ThreadBuffer.Return(buffer);
        return payload;
    }

    private FeedMessage<T> Decode(FeedPosition position, FeedEntry entry)
    {
        try
        {
            return new(position, JsonSerializer.Deserialize(entry.Payload.Span, JsonMetadata.Of<T>(_json))!);
        }
        catch (Exception exception) // a converter throws what it likes
        {
            return new(new FeedMessageUnreadableException(position, typeof(T), exception));
        }
    }
}
