namespace Comet.AspNetCore.Stores;

/// <summary>
/// A feed's name: that of its registration, and for a feed of a family the key, too. As text <c>announcements</c>, or <c>rooms/42</c> for
/// the key <c>42</c> of the family <c>rooms</c>.
/// </summary>
public sealed class FeedName : IEquatable<FeedName>
{
    /// <summary>The longest name of a registration, in characters: stores put it into names of their own, which have limits.</summary>
    public const int MaxFamilyLength = 64;

    /// <summary>The longest key, in characters.</summary>
    public const int MaxKeyLength = 200;

    /// <summary>The name of a feed.</summary>
    /// <param name="family">The name of the registration: 1 to 64 ASCII letters, digits, dots, dashes and underscores.</param>
    /// <param name="key">The key within a family: 1 to 200 characters, none of them a control character. Null: a feed by itself.</param>
    /// <exception cref="ArgumentException">One of the two is empty, too long or has other characters.</exception>
    public FeedName(string family, string? key = null)
    {
        CheckFamily(family, nameof(family));
        if (key is not null)
        {
            CheckKey(key, nameof(key));
        }
        (Family, Key) = (family, key);
    }

    /// <summary>The name of the registration, without a key.</summary>
    public string Family { get; }

    /// <summary>The key within a family; null: a feed by itself.</summary>
    public string? Key { get; }

    /// <summary>Reads a name from its text: everything after the first slash is the key.</summary>
    /// <exception cref="ArgumentException">The text is no name of a feed.</exception>
    public static FeedName Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('/', 2) is [var family, var key] ? new FeedName(family, key) : new FeedName(text);
    }

    /// <summary>Whether a text would be the name of a feed of a family. Unlike <see cref="Parse"/> this takes any text.</summary>
    public static bool IsOfFamily(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Contains('/');
    }

    /// <inheritdoc />
    public bool Equals(FeedName? other) => other is not null && Family == other.Family && Key == other.Key;

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as FeedName);

    /// <summary>Whether two names are the same.</summary>
    public static bool operator ==(FeedName? left, FeedName? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether two names differ.</summary>
    public static bool operator !=(FeedName? left, FeedName? right) => !(left == right);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Family, Key);

    /// <summary>The name as text, which <see cref="Parse"/> reads.</summary>
    public override string ToString() => Key is null ? Family : $"{Family}/{Key}";

    internal static void CheckFamily(string family, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(family, parameter);
        if (family.Length > MaxFamilyLength || !family.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
        {
            throw new ArgumentException("A feed's name is 1 to 64 letters, digits, dots, dashes and underscores.", parameter);
        }
    }

    private static void CheckKey(string key, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(key, parameter);
        if (key.Length > MaxKeyLength || key.Any(char.IsControl))
        {
            throw new ArgumentException($"A key has at most {MaxKeyLength} characters, none of them a control character.", parameter);
        }
    }
}
