using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Comet.AspNetCore.Sqlite;

/// <summary>
/// The epochs of logs. That of a key which has no row is made of a seed that the file has, so that it outlives a restart without one. It
/// becomes another when a row has been removed in the same bucket, as that may have been the key's own: an epoch never returns.
/// </summary>
internal static class SqliteEpoch
{
    // As many rows count the removals at most. A key without a row that shares a bucket with one that is removed begins anew with it.
    private const int Buckets = 1024;

    private const string Characters = "0123456789abcdefghijklmnopqrstuvwxyz";
    private const int Length = 8;

    /// <summary>One that no log has had.</summary>
    internal static string New() => RandomNumberGenerator.GetString(Characters, Length);

    /// <summary>The epoch of a feed without a row.</summary>
    internal static string Of(string name, string seed, long removals) => string.Create(
        Length,
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{seed} {removals} {name}"))),
        static (text, hash) =>
        {
            var rest = BinaryPrimitives.ReadUInt64LittleEndian(hash);
            for (var index = 0; index < text.Length; index++)
            {
                (rest, var digit) = Math.DivRem(rest, (ulong)Characters.Length);
                text[index] = Characters[(int)digit];
            }
        });

    /// <summary>Where the removals of feeds of this name are counted.</summary>
    internal static long BucketOf(string name) =>
        BinaryPrimitives.ReadUInt16LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name))) % Buckets;
}
