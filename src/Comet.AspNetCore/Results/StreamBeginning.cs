using System.Buffers;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Results;

/// <summary>
/// The beginning of a stream of feeds, until it is handed over to a lane: the head, where each feed starts, and what only stores have.
/// </summary>
internal sealed class StreamBeginning(
    Subscriber subscriber, ConnectionSettings settings, FeedReader[] readers, FeedSelection selection)
{
    private readonly bool _areNamed = subscriber.Feeds.AreNamed;
    private readonly List<StreamPosition.Place> _places = [];

    /// <summary>Writes all of it.</summary>
    /// <returns>Why the stream has ended meanwhile; null: it goes on at the subscriber's place.</returns>
    internal async ValueTask<EndReason?> RunAsync()
    {
        using var writer = new ConnectionWriter(subscriber, subscriber.Feeds.Services, subscriber.Feeds.Label);
        WriteOpen(writer);
        var write = writer.FlushAsync();
        if (!write.IsCompleted)
        {
            Array.ForEach(readers, static reader => reader.DropPage()); // a stream that waits for its client holds none
        }
        var ended = await write ?? await CatchUpAsync(writer);
        ended ??= await writer.FlushAsync();
        if (ended is null && subscriber.IsPoll && writer.HasWritten)
        {
            ended = await writer.EndAsync(EndReason.Polled);
        }
        subscriber.Place = Array.ConvertAll(readers, static reader => reader.Cursor);
        return ended;
    }

    private void WriteOpen(ConnectionWriter writer)
    {
        writer.WriteHead(settings);
        for (var i = 0; i < readers.Length; i++)
        {
            var (reader, isLast) = (readers[i], i == readers.Length - 1);
            var first = i == 0 ? settings : null;
            writer.WriteControl(ControlMessage.Open(reader.Position.ToString(), reader.Recovered, first?.Heartbeat, first?.Audience) with
            {
                Name = _areNamed ? reader.Feed.EncodedName : null,
                EventId = !_areNamed || !subscriber.Format.HasStreamPositions ? null : isLast ? PositionOfAll() : "",
            });
        }
        foreach (var feed in selection.NotAllowed)
        {
            WriteEnd(writer, feed, EndReason.NotAllowed, retry: null);
        }
        foreach (var feed in selection.Unavailable)
        {
            WriteEnd(writer, feed, EndReason.Unavailable, settings.MaxAgeWithoutFeed);
        }
    }

    private static void WriteEnd(ConnectionWriter writer, FeedName feed, EndReason reason, TimeSpan? retry) =>
        writer.WriteControl(ControlMessage.End(reason.Name, retry) with { Name = new EncodedFeedName(feed) });

    private void WriteReopen(ConnectionWriter writer, FeedReader reader) =>
        writer.WriteControl(ControlMessage.Reopen(reader.Position.ToString()) with
        {
            Name = _areNamed ? reader.Feed.EncodedName : null,
            EventId = _areNamed && subscriber.Format.HasStreamPositions ? PositionOfAll() : null,
        });

    private async ValueTask<EndReason?> CatchUpAsync(ConnectionWriter writer)
    {
        // While one feed is read, the tail of another may lose what follows its reader.
        do
        {
            foreach (var reader in readers)
            {
                if (reader.HasStored)
                {
                    var wasLost = reader.Recovered == false;
                    writer.Label = reader.Feed.Family;
                    using var catchUp = new CatchUp(subscriber, writer, reader, IdPrefixOf(reader));
                    if (await catchUp.RunAsync() is { } ended)
                    {
                        return ended;
                    }
                    if (reader.Recovered == false && !wasLost)
                    {
                        WriteReopen(writer, reader); // at once, as what follows of other feeds has this one's position too
                    }
                }
            }
        }
        while (readers.Length > 1 && readers.Count(static reader => reader.GoBackIfLost()) > 0);
        return null;
    }

    private byte[] IdPrefixOf(FeedReader reader)
    {
        var output = new ArrayBufferWriter<byte>();
        SetPlaces(except: _areNamed && subscriber.Format.HasStreamPositions ? [reader] : readers);
        StreamPosition.WritePrefix(output, _places, PlaceOf(reader));
        return output.WrittenSpan.ToArray();
    }

    private string PositionOfAll()
    {
        SetPlaces(except: []);
        return StreamPosition.Format(_places);
    }

    private void SetPlaces(FeedReader[] except)
    {
        _places.Clear();
        _places.AddRange(readers.Except(except).Select(PlaceOf));
    }

    private static StreamPosition.Place PlaceOf(FeedReader reader) => new(reader.Position, reader.Feed.EncodedName.Tag);
}
