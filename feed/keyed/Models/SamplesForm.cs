using System.ComponentModel.DataAnnotations;

namespace CometApp.Models;

/// <summary>What the form posts.</summary>
public sealed class SamplesForm
{
    public const int MaxLength = 280;

    [Required(ErrorMessage = "Write something first.")]
    [StringLength(MaxLength, ErrorMessage = "A message has at most {1} characters.")]
    public string? Text { get; set; }
}
