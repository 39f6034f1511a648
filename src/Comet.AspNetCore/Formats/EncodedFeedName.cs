using System.Buffers;
using System.Text;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Formats;

/// <summary>A feed's name as the messages of a stream of several feeds have it.</summary>
internal sealed class EncodedFeedName
{
    internal EncodedFeedName(FeedName name)
    {
        Text = Encoding.UTF8.GetBytes(name.ToString());
        var json = new ArrayBufferWriter<byte>();
        SafeJson.Write(name.ToString(), json);
        Json = json.WrittenSpan.ToArray();
        Tag = TagOf(name);
    }

    /// <summary>Stands for it in the position of a stream: 6 letters and digits.</summary>
    internal string Tag { get; }

    /// <summary>In UTF-8; a name has no line breaks.</summary>
    internal byte[] Text { get; }

    /// <summary>As <see cref="SafeJson"/>, with its quotes.</summary>
    internal byte[] Json { get; }

    /// <summary>
    /// Stands for a feed's name: 6 letters and digits. Of 100 feeds in one log, two have the same one in ten million streams.
    /// </summary>
    internal static string TagOf(FeedName feed)
    {
        const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        var hash = 14695981039346656037; // FNV-1a
        foreach (var value in Encoding.UTF8.GetBytes(feed.ToString()))
        {
            hash = unchecked((hash ^ value) * 1099511628211);
        }
        return string.Create(6, hash ^ (hash >> 32), static (tag, hash) =>
        {
            for (var i = 0; i < tag.Length; i++, hash /= (ulong)Digits.Length)
            {
                tag[i] = Digits[(int)(hash % (ulong)Digits.Length)];
            }
        });
    }
}
