using System.Runtime.CompilerServices;

namespace Comet.AspNetCore.Options;

/// <summary>
/// What a setting may be: the same from the configuration, where a message names the key, and from code, where it names the property.
/// </summary>
/// <param name="Least">The least allowed value.</param>
/// <param name="Most">The greatest allowed value; null: no limit.</param>
/// <param name="Unit">What is counted, for messages.</param>
/// <param name="Absence">What null stands for, for messages; null: the setting is never null.</param>
internal sealed record SettingRange<T>(T Least, T? Most = null, string? Unit = null, string? Absence = null)
    where T : struct, IComparable<T>
{
    /// <summary>What is wrong with the value of a key, or null.</summary>
    internal string? FindFault(string key, T? value) =>
        Contains(value) ? null : FormattableString.Invariant($"{key} is {value}; it must be {this}.");

    /// <summary>Gives the value back.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is outside.</exception>
    internal T? Check(T? value, [CallerMemberName] string name = "") =>
        Contains(value) ? value : throw new ArgumentOutOfRangeException(name, value, $"{name} must be {this}, or null.");

    public override string ToString()
    {
        var limits = FormattableString.Invariant(Most is { } most ? (FormattableString)$"{Least} to {most}" : $"at least {Least}");
        return $"{limits}{Prefixed(" ", Unit)}{Prefixed(", or null for ", Absence)}";
    }

    private bool Contains(T? value) =>
        value is not { } given || (given.CompareTo(Least) >= 0 && (Most is not { } most || given.CompareTo(most) <= 0));

    private static string Prefixed(string prefix, string? text) => text is null ? "" : prefix + text;
}
